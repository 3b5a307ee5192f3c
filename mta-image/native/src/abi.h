// The plugin header as the addon includes it: with its functions visible, where all else is hidden.
#pragma once

#pragma GCC visibility push(default)
#include "../include/HalonMTA.h"
#pragma GCC visibility pop
