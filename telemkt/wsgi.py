import os

from django.core.wsgi import get_wsgi_application

from core.memory import settle
from core.turns import take_short_turns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")

# nobody waits longer for one statement of a page; 0 switches it off. It must be said before the settings are read.
os.environ.setdefault("DATABASE_STATEMENT_SECONDS", "20")

application = get_wsgi_application()
settle()
take_short_turns()
