"""The name `litellm` for gateway-llm: importing this puts that package in its place."""

import sys

import gateway

# This half-imported module must not count as another litellm; the import system takes what stands here afterwards.
del sys.modules[__name__]
gateway.install_as_litellm()
