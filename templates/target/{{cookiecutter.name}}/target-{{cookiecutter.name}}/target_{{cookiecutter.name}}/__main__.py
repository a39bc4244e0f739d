"""`python -m target_{{cookiecutter.name}}`."""

from target_{{cookiecutter.name}}.target import Target{{cookiecutter.class_name}}

if __name__ == "__main__":
    Target{{cookiecutter.class_name}}.cli()
