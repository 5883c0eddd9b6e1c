/* specs_yaml.h - the text of specs.yaml, put into the program when it is built. */
#pragma once

#include <stddef.h>

extern const unsigned char specs_yaml[];
extern const size_t specs_yaml_size;
