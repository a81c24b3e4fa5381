"""What all web apps share on the server's side."""
import setuptools

setuptools.setup(
    name="crud_backend",
    version="1.1",
    packages=setuptools.find_packages(),
    install_requires=["Flask >= 1.1.1", "kubernetes == 22.6.0", "prometheus-flask-exporter >= 0.18.6"],
)
