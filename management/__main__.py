"""``python -m management``: print the page of all routes, docs/management-routes.md."""

import sys

from management.openapi import page
from management.route_table import ROUTES

sys.stdout.write(page(ROUTES))
