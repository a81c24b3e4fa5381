#!/bin/sh
# A stand-in for docker 20.10. Images are files below $FAKE_STORE: `names/NAME` has an id, `ids/ID` the configuration,
# `registry/NAME` the id of what can be pulled. Each call is a line of `calls`. $FAKE says how it misbehaves.
set -eu
store=$FAKE_STORE
mkdir -p "$store/names" "$store/ids" "$store/registry"
printf '%s\n' "$*" >> "$store/calls"

key() { printf %s "$1" | tr / %; }

# The id of an image, by name or id.
id_of() {
    case $1 in
    sha256:*) id=$1 ;;
    *)
        [ -e "$store/names/$(key "$1")" ] || return 1
        id=$(cat "$store/names/$(key "$1")")
        ;;
    esac
    [ -e "$store/ids/$id" ]
}

inspect() {
    id_of "$1" || { echo "Error: No such image: $1" >&2; exit 1; }
    digests=
    for file in "$store"/registry/*; do
        if [ -e "$file" ] && [ "$(cat "$file")" = "$id" ]; then
            name=$(basename "$file" | tr % /)
            digests="\"${name%:*}@$id\""
        fi
    done
    printf '[{"Id":"%s","RepoDigests":[%s],"Architecture":"amd64","Os":"linux","Size":1000,"Config":%s}]\n' \
        "$id" "$digests" "$(cat "$store/ids/$id")"
}

build() {
    file= tags= id_file=
    while [ $# -gt 1 ]; do
        case $1 in
        --file) file=$2; shift ;;
        --tag) tags="$tags $2"; shift ;;
        --iidfile) id_file=$2; shift ;;
        --progress | --build-arg | --network | --target | --platform) shift ;;
        --secret) secret=${2##*env=}; eval "echo the secret is \$$secret"; shift ;;
        esac
        shift
    done
    echo "#1 [internal] load build definition from Dockerfile"
    number=4
    grep -vE '^(ARG|#|$)' "$file" | while IFS= read -r line; do
        number=$((number + 1))
        echo "#$number [1/1] $line"
        case $line in
        'FROM patchq.invalid/'*)
            image=${line#FROM }
            id_of "${image%% *}" || { echo "#$number ERROR: $image: not found"; exit 1; }
            ;;
        *boom*)
            echo "#$number 0.1 it broke"
            echo "#$number ERROR: exit code: 1"
            exit 1
            ;;
        *slow*)
            [ "${FAKE-}" != hang ] || sleep 600
            ;;
        esac
    done
    [ "${FAKE-}" != no-image ] || exit 0
    id=sha256:$({ cat "$file"; find "$1" -type f | LC_ALL=C sort | xargs -r cat; echo "${FAKE_SALT-}"; } | sha256sum | cut -d' ' -f1)
    user=1000
    case ${FAKE-},$file in changes,*finish*) user=root ;; esac
    printf '{"User":"%s"}' "$user" > "$store/ids/$id"
    for tag in $tags; do
        printf %s "$id" > "$store/names/$(key "$tag")"
    done
    printf %s "$id" > "$id_file"
}

case $1 in
version) echo '{"Client":{"Version":"20.10.24"},"Server":{"Version":"20.10.24"}}' ;;
buildx) exit 1 ;;
image) inspect "$4" ;;
images)
    for file in "$store"/names/*; do
        [ ! -e "$file" ] || echo "$(cat "$file") $(basename "$file" | tr % /)"
    done
    ;;
pull)
    file=$store/registry/$(key "$4")
    [ -e "$file" ] || { echo "Error response from daemon: manifest for $4 not found" >&2; exit 1; }
    id=$(cat "$file")
    printf '{"User":"1000"}' > "$store/ids/$id"
    printf %s "$id" > "$store/names/$(key "$4")"
    ;;
tag)
    id_of "$3" || exit 1
    printf %s "$id" > "$store/names/$(key "$4")"
    ;;
rmi)
    id_of "$3" || exit 1
    [ "${FAKE-}" != in-use ] || { echo "Error response from daemon: conflict: image is being used" >&2; exit 1; }
    rm -f "$store/names/$(key "$3")"
    grep -qsx "$id" "$store"/names/* || rm -f "$store/ids/$id"
    ;;
build) shift; build "$@" ;;
*) echo "unknown command: $1" >&2; exit 1 ;;
esac
