"""One suite that every target passes: a target subclasses the classes and gives one `stage` fixture."""
