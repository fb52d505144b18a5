// Standard input, output and error as a program finds them and leaves them.
//
// A program whose output is lost (a full disk, a closed descriptor) says so and does not end with a
// success. A reader that has gone (`| head -1`) is no fault to speak of, but nothing is done for it
// any more. Thread: main's, before others start and after they have ended; reader_gone(): any.
#pragma once

namespace ota {

// First of all in main: a standard descriptor that was closed beforehand is opened such that its
// use fails, so that it is not handed out to the next file or socket, which would then be printed
// into.
void open_standard_streams();

// Last of all in main: sends what is buffered for standard output. Returns `code`, or 1 in place of
// a 0 where output was lost; standard error then says so in the name of `program`, unless the
// reader closed the pipe.
int end_standard_output(const char* program, int code);

// Whether nobody can read any more what is written to `fd`: a pipe or socket whose other end is
// closed.
bool reader_gone(int fd);

}  // namespace ota
