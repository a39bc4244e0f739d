"""Singer tap for warehouse models: the rows of a query, a table or a dbt model, with bookmarks."""
