"""What the system refuses (a full disk, a read-only folder, too many open files), in a sentence with the way out."""

import errno
import os
import re

# Each after the path that it is about.
_SENTENCES = {
    errno.ENOSPC: "the disk is full; make room on it and try again",
    errno.EDQUOT: "your quota on this disk is used up; make room on it and try again",
    errno.EROFS: "is on a read-only disk; copy the folder to a place that can be written to",
    errno.EACCES: "this user may not do that there; change its permissions, or ask its owner",
    errno.EPERM: "the system does not allow that there; change its permissions, or ask its owner",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n 4096) and try again",
    errno.ENFILE: "too many files are open on this machine; close some programs and try again",
    errno.ENOENT: "is not there",
    errno.EEXIST: "exists already",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.ELOOP: "is a link, or links that lead in a circle; put a plain file or folder in its place",
    errno.ENAMETOOLONG: "the name is too long for this disk; use a shorter one",
    errno.EIO: "the disk cannot be read or written; look at its health, and copy what is there",
    errno.ESTALE: "the network disk has lost this file; mount it again",
    errno.ETIMEDOUT: "the disk does not answer; try again when it does",
    errno.ENOTCONN: "the disk is no longer connected; mount it again",
    errno.EBUSY: "is in use by another program; close that and try again",
    errno.ETXTBSY: "is in use by another program; close that and try again",
    errno.ENOMEM: "there is not enough memory; close some programs and try again",
    errno.EFBIG: "the file is too large",
    errno.ENOLCK: "this disk knows no file locks; keep the store on a local one",
    errno.EXDEV: "lies on another disk",
}


# Libraries in Rust give the number of the system's error in words.
_IN_WORDS = re.compile(r"\(os error (\d+)\)")


def as_os_error(error: BaseException) -> OSError | None:
    """The system's error that an exception is, or that a library tells of in words; None where it is neither."""
    if isinstance(error, OSError):
        return error
    found = _IN_WORDS.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def told(error: OSError) -> str:
    """The path that an error is about, what is wrong and what to do: ``/data/x: the disk is full; make room …``."""
    number = error.errno or 0
    reason = error.strerror or str(error) or type(error).__name__
    if number and reason != os.strerror(number):
        sentence = reason  # Raised by ourselves, who know more.
    else:
        sentence = _SENTENCES.get(number) or f"{reason} ({errno.errorcode.get(number, 'no number')})"
    path = error.filename if error.filename is not None else error.filename2
    if path is None or isinstance(path, int):
        return sentence
    return f"{os.fsdecode(path)}: {sentence}"
