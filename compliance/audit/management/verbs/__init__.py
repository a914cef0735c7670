"""What `manage.py audit` can do, a module for each verb."""
