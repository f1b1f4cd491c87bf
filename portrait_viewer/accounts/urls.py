"""Doors of accounts."""

from django.urls import path

from portrait_viewer.accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("language/", views.set_language, name="language"),
]
