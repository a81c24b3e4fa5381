#!/bin/bash
# Builds all images, each on top of the one before.
set -e

GPU=""
BASE_IMAGE="ubuntu:focal"
PYTHON_VERSION="3.7.7"

while [ $# -gt 0 ]; do
    case "$1" in
        --gpu) GPU="-gpu"; BASE_IMAGE="nvidia/cuda:11.2.0-cudnn8-devel-ubuntu20.04" ;;
        --python-version) shift; PYTHON_VERSION="$1" ;;
        *) echo "usage: build-docker.sh [--gpu] [--python-version V]" >&2; exit 1 ;;
    esac
    shift
done

for IMAGE in base-deps ray-deps ray ray-ml; do
    docker build --build-arg GPU="$GPU" --build-arg BASE_IMAGE="$BASE_IMAGE" \
        --build-arg PYTHON_VERSION="$PYTHON_VERSION" -t "rayproject/$IMAGE:nightly$GPU" "docker/$IMAGE"
done
