// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/expr_code.h"
