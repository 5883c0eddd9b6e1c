"""The fence of rooms: who includes whom (design 3), and <mixd/rt.h> last in real-time files."""

import re
import sys

from fences import TOP, Tap, is_real_time

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Room -> the rooms whose headers it may include, itself apart.
ROOMS = {
    "proto": set(),
    "proto/text": {"proto"},
    "nodes/include": set(),
    "nodes/dsp": {"nodes/include"},
    "nodes": {"nodes/include", "nodes/dsp"},
    "daemon/base": set(),
    "daemon/graph": {"daemon/base", "nodes/include", "proto", "proto/text"},
    "daemon/engine": {"daemon/base", "daemon/graph", "nodes/include", "proto"},
    "clients": {"proto", "proto/text"},
}
INNER = {"daemon/base", "daemon/graph", "daemon/engine", "nodes/include", "proto", "proto/text"}
for room in ("daemon/pipewire", "daemon/render", "daemon/control", "daemon/state"):
    ROOMS[room] = set(INNER)
ROOMS["daemon/av"] = {"nodes/include"}
ROOMS["daemon/render"] |= {"daemon/av"} # the words they talk in
ROOMS["daemon/render"] |= {"nodes/dsp"} # dither
ROOMS["daemon/graph"] |= {"nodes/dsp"} # cliplist.h: the text of a config
ROOMS["daemon/delivery"] = INNER | {"daemon/render", "nodes/dsp"}
# main.c wires them all; tests may look everywhere.
ROOMS["daemon"] = {room for room in ROOMS if room.startswith("daemon/")} | INNER
ROOMS["tests"] = set(ROOMS)

# System header prefix -> the only rooms that may include it.
SYSTEM = {
    "pipewire/": {"daemon/pipewire", "tests"},
    "spa/": {"daemon/pipewire", "tests"},
    "zmq.h": {"daemon/control", "clients", "tests"},
    "sndfile.h": {"daemon/render", "tests"},
    "soxr.h": {"daemon/render", "tests"},
    "libav": {"daemon/av", "tests"},
    "cairo.h": {"daemon/delivery"},
    "md5.h": {"daemon/delivery"},
    "zlib.h": {"daemon/delivery"},
    "xxhash.h": {"daemon/delivery"},
    "systemd/": {"daemon", "tests"},
}


def room_of(path):
    parts = path.split("/")
    if parts[0] == "nodes":
        return "nodes/" + parts[1] if parts[1] in ("include", "dsp") else "nodes"
    if parts[0] == "daemon":
        return "/".join(parts[:2]) if len(parts) > 2 else "daemon"
    if path.startswith("proto/text/"):
        return "proto/text"
    return parts[0]


def sources():
    for folder in ("proto", "nodes", "daemon", "clients", "tests"):
        for path in sorted((TOP / folder).rglob("*.[ch]")):
            yield str(path.relative_to(TOP)), path.read_text(encoding="utf-8", errors="replace")


def find_room(name, includer, headers):
    """The room of a project header, or None for one of the system."""
    if name.endswith(".pb-c.h"):
        return "proto"
    here = includer.rsplit("/", 1)[0] + "/" + name
    if here in headers:
        return room_of(here)
    found = [h for h in headers if h.endswith("/" + name)]
    return room_of(found[0]) if found else None


def main():
    tap, files = Tap(), dict(sources())
    headers = [path for path in files if path.endswith(".h")]
    rooms, system, last = [], [], []
    for path, text in files.items():
        room = room_of(path)
        includes = INCLUDE.findall(text)
        if room not in ROOMS:
            rooms.append(f"{path}: a room that design 3 does not know")
            continue
        for _, name in includes:
            only = [o for prefix, o in SYSTEM.items() if name.startswith(prefix)]
            if only and room not in only[0]:
                system.append(f"{path}: <{name}> belongs to {', '.join(sorted(only[0]))}")
            to = None if only else find_room(name, path, headers)
            if to and to != room and to not in ROOMS[room]:
                rooms.append(f"{path}: includes {name} of {to}; {room} may use "
                             f"{', '.join(sorted(ROOMS[room])) or 'nothing'}")
        if path.endswith(".c") and is_real_time(path):
            # Parts of the file itself (a kernel included once per width) come after the fence.
            stem = path.rsplit("/", 1)[1][:-2]
            names = [name for _, name in includes
                     if not name.endswith("_kernel.h") and not name.startswith(stem + "_")]
            if not names or names[-1] != "mixd/rt.h":
                last.append(f"{path}: the last include must be <mixd/rt.h>")
    tap.check("rooms_include_only_what_they_may", rooms)
    tap.check("libraries_stay_in_their_room", system)
    tap.check("real_time_files_include_rt_h_last", last)
    tap.check("there_are_files_to_check", [] if len(files) > 20 else ["hardly any sources found"])
    return tap.done()


sys.exit(main())
