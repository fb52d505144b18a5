// Where a command writes: lines or one JSON document on standard output, problems on standard
// error.
//
// Colour repeats what a word says already, and only on a terminal: NO_COLOR, TERM=dumb and pipes
// get plain text. All text that came from outside passes printable(); JSON goes out in ASCII, with
// escapes for all else, so that it cannot act on a terminal either. Thread: one.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/table.h"

namespace ota::cli {

enum class Format { kText, kJson };
enum class Colour { kPlain, kColour };
enum class Tone { kPlain, kGood, kWarning, kBad, kDim };

// Standard output on a terminal that takes colour, and no NO_COLOR.
Colour colour_of_terminal(int fd);

class Output {
 public:
  Output(std::ostream& out, std::ostream& err, Format format, Colour colour)
      : out_(out), err_(err), format_(format), colour_(colour) {}

  bool json() const { return format_ == Format::kJson; }

  // A line for people; nothing where the answer is JSON.
  void line(std::string_view text, Tone tone = Tone::kPlain);
  void table(const Table& table);
  // The answer of --json: one document, indented.
  void document(const Json& document);
  // One document of a stream, on a line of its own and sent at once (logs --follow, watch).
  void record(const Json& document);
  // Text of this program's own, such as a chart, in either format.
  void raw(std::string_view text);
  // JSON that is the answer itself in either format, such as an export to standard output.
  void json_text(std::string_view json);
  // Sends what was written, for a reader that waits.
  void flush();
  // Whether something that was written did not arrive; it is then of no use to go on.
  bool lost() const { return lost_ != 0; }
  // Why, in words; empty where nothing was lost, or the reader has closed the pipe, which is its
  // right.
  std::string why_lost() const;
  // What was done, but may not be what was meant: a line on standard error, in either format.
  void warning(std::string_view text);
  // A problem: "otactl: ..." and what to do about it; an object of JSON where that is the format.
  void problem(std::string_view text, std::string_view hint);

  std::string paint(std::string_view text, Tone tone) const;

 private:
  void put(std::string_view text);
  void note_loss();

  std::ostream& out_;
  std::ostream& err_;
  Format format_;
  Colour colour_;
  int lost_ = 0;  // the first error of a write; 0: none
};

// The tone of a state, verdict, job state, severity or answer word; plain for other words.
Tone tone_of(std::string_view word);

}  // namespace ota::cli
