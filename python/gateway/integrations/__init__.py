"""Where callbacks by name send what they are told; each is loaded when it is first used."""
