"""AWS as tasks see it: the endpoint of their credentials, and the API of Cloud Map."""
