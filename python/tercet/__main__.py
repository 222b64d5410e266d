# SPDX-License-Identifier: Apache-2.0
from tercet._command import main

main()
