"""A local server that behaves like the CRM API of HubSpot."""
