"""What the tests of several warehouses share: environments with their drivers, and stand-ins for servers."""
