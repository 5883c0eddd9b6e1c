"""Compiles the schema into the package; needs protoc (Debian: protobuf-compiler)."""

import pathlib
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent


class BuildWithSchema(build_py):
    def run(self):
        super().run()
        proto = HERE.parents[1] / "proto"
        names = [f"mixd/v1/{name}.proto" for name in ("graph", "events", "render", "control")]
        subprocess.run(
            ["protoc", f"--proto_path={proto}", f"--python_out={self.build_lib}", *names], check=True
        )


setup(cmdclass={"build_py": BuildWithSchema})
