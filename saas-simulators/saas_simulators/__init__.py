"""Local servers that behave like the APIs of HubSpot, Salesforce and Mailchimp, limits, errors and faults included."""
