#!/bin/sh
# Renders nginx.conf.template with the NGINX_* variables and starts nginx in the foreground, as
# whoever runs this. Needs envsubst (in the nginx image; on Debian: gettext-base).
set -eu

mkdir -p "$NGINX_RUN"
# Above the site's own limit: past it the site answers, in words, and not nginx.
NGINX_UPLOAD_MAX_MB=$((PORTRAIT_UPLOAD_MAX_MB + 16))
export NGINX_UPLOAD_MAX_MB

# Only these names: nginx's own variables ($host, …) stay as they are.
envsubst '$NGINX_RUN $NGINX_ADDRESS $NGINX_HTTP $NGINX_HTTPS $NGINX_CERTIFICATE $NGINX_KEY $NGINX_STATIC $NGINX_WEB $NGINX_UPLOAD_MAX_MB' \
    < "$NGINX_TEMPLATE" > "$NGINX_RUN/nginx.conf"

exec nginx -e stderr -c "$NGINX_RUN/nginx.conf" -g 'daemon off;'
