# SPDX-License-Identifier: Apache-2.0
# Fresh systems made by debootstrap, for scripts that source this; $folder is where they lie, a folder each.

own_mirror() { # the archive of a kind of system that this one installs from, if it is of that kind
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        sed -nE "s/^$1 //p" | head -n 1
}
DEBIAN_MIRROR=${DEBIAN_MIRROR:-$(own_mirror Debian)}
UBUNTU_MIRROR=${UBUNTU_MIRROR:-$(own_mirror Ubuntu)}

inside() { # inside NAME COMMAND: as root in that system, with its own processes and mounts
    # shellcheck disable=SC2016  # $1 and $2 are the inner shell's
    unshare --mount --pid --fork --kill-child sh -c '
        mount -t proc proc "$1/proc" && exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${UNET_ISA:+UNET_ISA=$UNET_ISA} \
            sh -c "$2"' sh "$folder/$1" "$2"
}

make_system() { # make_system NAME: with make, git and a user, or 1 with the reason in $folder/NAME.log
    name=$1
    root=$folder/$name
    suite=${name%-jpeg8}
    components=main
    case $name in
    jammy | noble) mirror=$UBUNTU_MIRROR components=main,universe ;;
    *) mirror=$DEBIAN_MIRROR ;;
    esac
    if [ -z "$mirror" ]; then
        echo "no archive is known here: set UBUNTU_MIRROR or DEBIAN_MIRROR" >"$folder/$name.log"
        return 1
    fi
    rm -rf "$root"
    debootstrap --variant=minbase --components="$components" "$suite" "$root" "$mirror" \
        >"$folder/$name.log" 2>&1 || return 1
    # how this system reaches its archive holds inside, too
    apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$root/etc/apt/apt.conf.d/90host" || true
    inside "$name" 'apt-get update -qq && apt-get install -y -qq --no-install-recommends make git &&
        { id guest 2>/dev/null || useradd --create-home guest; }' >>"$folder/$name.log" 2>&1
}
