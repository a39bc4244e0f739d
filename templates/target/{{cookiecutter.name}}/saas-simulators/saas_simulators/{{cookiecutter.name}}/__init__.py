"""A simulated {{cookiecutter.title}}."""
