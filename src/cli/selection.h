// Which devices a command acts on: those that are named, those of a file, those that a filter
// leaves of them or of the whole fleet.
//
// Every command that acts on devices takes the same words, so that `otactl devices` with them shows
// what the others would act on. Calls block; thread: one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"

namespace ota::cli {

// "ID ...", none or several.
Positional devices_positional();
// --filter, --group, --model, --from-version and, where ids may be named, --file.
std::vector<Option> filter_options();
std::vector<Option> selecting_options();
// The same behind a command's own.
std::vector<Option> with_filter_options(std::vector<Option> own);
std::vector<Option> with_selecting_options(std::vector<Option> own);

bool has_filter(const Arguments& arguments);

// "--filter, --behind, ...", for a usage error.
std::string filter_names();

// The rows that --filter, --group, --model and --from-version leave, in id order. Such options that
// a server does not know would leave all: kConflict where it does not say that it took the filter.
Result<Json> filtered_devices(Context& context);

// Ids as they are to be asked for, each once: in the order in which they were named, else in theirs.
struct Selection {
  std::vector<std::string> ids;
  bool counted = false;  // by a filter or a file: nobody has typed each of them
  Json rows;             // of those that a filter left; else an empty list
};
// A usage error where nothing says which; kNotFound where no device is left. No call is made where
// ids alone are named.
Result<Selection> selected_devices(Context& context);

// Where an order over many ends early, since nobody answers any more or the person interrupts: true,
// with a line that says so of the `rest`. `what`: "devices were not told".
bool ends_early(Context& context, bool nobody_answers, std::size_t rest, std::string_view what);

// One order for each of them, told to the server one after the other; each answer is a line, and
// where one was refused the others go on. Asked once, where `question` is not empty ("Roll back").
struct EachOrder {
  std::string_view question;
  std::string_view path;  // behind the device's: "/rollback"
  const char* member;     // what the document of a single device names it by: "rollback"
  std::function<std::string(const std::string& id)> done;  // the line
};
Result<ExitCode> order_each(Context& context, const EachOrder& order);

}  // namespace ota::cli
