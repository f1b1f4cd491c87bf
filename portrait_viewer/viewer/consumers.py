"""The sockets of the slide page and of the case page."""

from __future__ import annotations

from portrait_viewer.accounts.models import User
from portrait_viewer.cases.selectors import case_get
from portrait_viewer.common.errors import NotFound
from portrait_viewer.realtime.consumers import TopicConsumer
from portrait_viewer.realtime.messages import case_topic, slide_topic
from portrait_viewer.slides.selectors import slide_get


class SlideConsumer(TopicConsumer):
    """What happens to one slide: its registration, its analyses and their progress."""

    def authorise(self, user: User) -> str | None:
        try:
            found = slide_get(_as_now(user), self.scope["url_route"]["kwargs"]["slide"])
        except NotFound:
            return None
        return slide_topic(found.uuid)


class CaseConsumer(TopicConsumer):
    """What happens to a case: its slides and the states of their analyses."""

    def authorise(self, user: User) -> str | None:
        try:
            found = case_get(_as_now(user), self.scope["url_route"]["kwargs"]["case"])
        except NotFound:
            return None
        return case_topic(found.uuid)


def _as_now(user: User) -> User:
    """The account as it is now: a socket stays open for hours, an account may be closed."""
    return User.objects.get(pk=user.pk)
