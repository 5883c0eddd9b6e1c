"""embed.py FILE HEADER NAME: FILE as C source: an array NAME and its NAME_size, as HEADER declares them."""

import sys

path, header, name = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read()
print(f'/* Made of {path.rsplit("/", 1)[-1]} by embed.py: do not edit. */\n#include "{header}"\n')
print(f"const unsigned char {name}[] = {{")
for at in range(0, len(data), 24):
    print("\t" + ",".join(str(byte) for byte in data[at:at + 24]) + ",")
print(f"\t0}};\nconst size_t {name}_size = sizeof({name}) - 1;")
