#!/bin/bash
set -e
python3 -m flake8 python
