"""What `celery -A` loads: the application, configured by the environment."""

import os

from tests.clients.programs.celery_tasks import create_app

app = create_app(os.environ["BROKER_URI"], os.environ["NAME_PREFIX"])
