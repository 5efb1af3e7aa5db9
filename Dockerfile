# One image for web, worker, beat and the simulator; the command says which.
FROM python:3.14-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements/prod.txt /requirements.txt
RUN /venv/bin/pip install --only-binary :all: --require-hashes -r /requirements.txt
WORKDIR /app
COPY . .
# Texts and static files belong to the image: a container that starts changes nothing in it.
# The settings want a key; this one signs nothing and stays in this stage.
RUN SECRET_KEY=only-for-building STATIC_ROOT=/app/staticfiles /venv/bin/python -c "\
import django; from django.core.management import call_command; \
import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'partnerhub.settings'; django.setup(); \
from partnerhub.management.commands.prepare import compile_translations; \
compile_translations(); call_command('collectstatic', interactive=False, verbosity=0)" \
 && /venv/bin/python -m compileall -q partnerhub userstatus activation_portal provisioning \
    templates_app accounts webex common simulator

FROM python:3.14-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=partnerhub.settings STATIC_ROOT=/app/staticfiles \
    EXPORTS_DIR=/exports WEB_BIND=0.0.0.0:8000
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin hub \
 && install -d -o hub -g hub -m 0700 /exports
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER hub
VOLUME /exports
EXPOSE 8000
CMD ["gunicorn", "-c", "gunicorn.conf.py", "partnerhub.wsgi"]
