from customers.urls_duplicates import urlpatterns as duplicates
from customers.urls_lists import urlpatterns as lists
from customers.urls_persons import urlpatterns as persons
from customers.urls_requests import urlpatterns as requests
from customers.urls_segments import urlpatterns as segments

app_name = "customers"
urlpatterns = [*lists, *persons, *segments, *requests, *duplicates]
