#!/usr/bin/env bash
# Make a genuine CPython for Windows that runs on Linux, under Wine: for `make test-windows`.
#
#     windows_python.sh FOLDER PYTHON      then run FOLDER/python as you would run python3
#
# PYTHON is a Python of this machine; the Windows one gets the same minor version and its standard
# library. Needs Debian or Ubuntu on x86-64, and root if Wine and MinGW are not installed yet.
#
# The interpreter itself (python3XY.dll and the .pyd files, signed by the Python Software Foundation)
# comes from PyPI: the wheel of panda3d carries it, because that package makes Windows programs on
# other systems. Only python.exe is ours, five lines that call the DLL.
set -euo pipefail
to=$(realpath -m "$1") python=$2
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
tag=${version/./}
wine=/usr/lib/wine/wine64

if ! [ -x "$wine" ] || ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
    [ "$(id -u)" -eq 0 ] || { echo "there is no Wine or MinGW here, and only root can install it" >&2; exit 1; }
    apt-get -o DPkg::Lock::Timeout=500 update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=500 install -y -qq \
        --no-install-recommends wine wine64 gcc-mingw-w64-x86-64-win32
fi

rm -rf "$to"
mkdir -p "$to/wheel" "$to/Python/DLLs"
for_windows=(--platform win_amd64 --python-version "$version" --only-binary=:all: -q)
"$python" -m pip download "${for_windows[@]}" --no-deps -d "$to/wheel" panda3d==1.10.16
"$python" - "$to" "$tag" <<'PY'
import pathlib, sys, zipfile

to, tag = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = (to / "wheel").glob(f"*-cp{tag}-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        folder, _, file = name.rpartition("/")
        if folder != "deploy_libs" or "t-win_amd64" in file:
            continue
        if file.lower() in (f"python{tag}.dll", "vcruntime140.dll", "vcruntime140_1.dll"):
            (to / "Python" / file).write_bytes(archive.read(name))
        elif file.endswith(".pyd") or file.startswith(("libffi", "libcrypto", "libssl", "sqlite3")):
            (to / "Python/DLLs" / file).write_bytes(archive.read(name))
PY
rm -rf "$to/wheel"

# The layout of Python on Windows. What is not needed is left out: it is most of the size.
tar -C "$library" -c --exclude=./site-packages --exclude=./dist-packages --exclude=./lib-dynload \
    --exclude=./test --exclude=./idlelib --exclude=./tkinter --exclude=./turtledemo \
    --exclude='./config-*' --exclude=__pycache__ . | { mkdir "$to/Python/Lib"; tar -C "$to/Python/Lib" -x; }
mkdir "$to/Python/Lib/site-packages"
"$python" -m pip install "${for_windows[@]}" --target "$to/Python/Lib/site-packages" \
    --constraint "$(dirname "$0")/../constraints.txt" pytest hypothesis coverage colorama

cat >"$to/python.c" <<'C'
#include <wchar.h>
__declspec(dllimport) int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
C
x86_64-w64-mingw32-gcc -municode -O2 -o "$to/Python/python.exe" "$to/python.c" "$to/Python/python$tag.dll"

# Wine finds its own server through TMPDIR, which the tests change. Without the overrides it would
# ask to download Mono and Gecko. Its stdin and stdout must be pipes or a terminal.
wrapper() {
    cat >"$to/$1" <<SH
#!/bin/bash
unset TMPDIR
export WINEPREFIX='$to/prefix' WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree=;mshtml="
exec $2 "\$@"
SH
    chmod +x "$to/$1"
}
wrapper wine "$wine"
wrapper wineserver "${wine%wine64}wineserver64"
wrapper python "$wine '$to/Python/python.exe'"
: | "$to/wine" wineboot -i 2>&1 | cat >"$to/wineboot.log"
: | "$to/wine" reg add 'HKCU\Software\Wine' /v Version /d win10 /f 2>&1 | cat >>"$to/wineboot.log"
: | "$to/python" -c 'import sys; print("made Python", sys.version, "for", sys.platform)' 2>&1 | cat
