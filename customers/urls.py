from customers.urls_lists import urlpatterns as lists
from customers.urls_persons import urlpatterns as persons

app_name = "customers"
urlpatterns = [*lists, *persons]
