#include "cli/selection.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "cli/device_columns.h"
#include "cli/fetch.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMostIds = 100'000;  // of a file
constexpr std::size_t kLongestLine = 256;

// Ids, one a line; blank lines and what follows a '#' are not read.
Result<std::vector<std::string>> read_ids(Context& context, const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    std::error_code ignored;
    file.open(name);
    if (!file || std::filesystem::is_directory(name, ignored))
      return fail(Errc::kNotFound, "cannot read " + name);
  }
  std::istream& in = name == "-" ? context.in : file;
  std::vector<std::string> ids;
  std::string line;
  while (std::getline(in, line)) {
    const bool too_long = line.size() > kLongestLine;
    line.erase(std::min(line.find('#'), line.size()));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos && !too_long) continue;
    if (too_long || ids.size() == kMostIds) {
      return fail(Errc::kLimit, name + ": at most " + std::to_string(kMostIds) +
                                    " ids, each on a line of at most " +
                                    std::to_string(kLongestLine) + " bytes");
    }
    ids.push_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  }
  // Half a list is none.
  if (in.bad()) return fail(Errc::kIo, "cannot read all of " + name);
  return ids;
}

// "9 run v2.1.6, 2 run v2.1.5"
std::string versions_of(const Json& rows) {
  std::map<std::string, std::size_t> counts;
  for (const Json& row : rows)
    ++counts[version_of(object_at(object_at(row, "facts"), "confirmed"))];
  std::string text;
  for (const auto& [version, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " run " +
            (version == "-" ? "what is not known" : version);
  }
  return text;
}

std::string question_of(const EachOrder& order, const Selection& selection) {
  const std::string verb(order.question);
  if (selection.ids.size() == 1) return verb + " " + selection.ids.front() + "?";
  const std::string runs = versions_of(selection.rows);
  return verb + " these " + std::to_string(selection.ids.size()) + " devices" +
         (runs.empty() ? "" : " (" + runs + ")") + "?";
}

void list(Context& context, const Selection& selection) {
  if (!selection.rows.empty()) {
    context.out.table(device_table(selection.rows, context.clock.wall()));
  } else {
    for (const std::string& id : selection.ids)
      context.out.line("  " + id);
  }
  context.out.flush();
}

}  // namespace

Positional devices_positional() {
  return {"ID", "the devices; none: all that the filters leave", Positional::Count::kAny};
}

std::vector<Option> filter_options() {
  return {{"--filter", "FILTER",
           "only devices that it leaves: behind, gate:cpu, verdict:critical, version:<2.1.4, "
           "seen:>5m, !id:a,b ... as the console's / has it"},
          {"--behind", "", "only devices that want an update: --filter behind"},
          {"--group", "NAME", "only devices of this group"},
          {"--model", "MODEL", "only devices of this hardware model"},
          {"--from-version", "V", "only devices that run this version", {}, Kind::kVersion}};
}

std::vector<Option> selecting_options() {
  auto options = filter_options();
  options.push_back({"--file", "FILE", "devices by a file of ids, one a line; -: standard input"});
  return options;
}

std::vector<Option> with_filter_options(std::vector<Option> own) {
  for (Option& option : filter_options())
    own.push_back(std::move(option));
  return own;
}

std::vector<Option> with_selecting_options(std::vector<Option> own) {
  for (Option& option : selecting_options())
    own.push_back(std::move(option));
  return own;
}

bool has_filter(const Arguments& arguments) {
  const auto options = filter_options();
  return std::any_of(options.begin(), options.end(),
                     [&](const Option& option) { return arguments.has(option.name); });
}

std::string filter_names() {
  std::string names;
  for (const Option& option : filter_options())
    names.append(names.empty() ? "" : ", ").append(option.name);
  return names;
}

Result<Json> filtered_devices(Context& context) {
  const Arguments& arguments = context.arguments;
  const auto from = arguments.version("--from-version");
  if (!from) return from.error();
  std::string filter = arguments.text("--filter");
  // An unset variable of a script must not mean the whole fleet.
  if (arguments.has("--filter") && filter.find_first_not_of(' ') == std::string::npos)
    return usage_error("--filter is empty; without it all devices are meant");
  if (arguments.has("--behind")) filter += filter.empty() ? "behind" : " behind";
  auto rows = fetch_devices(context.api, filter);
  if (!rows) return rows.error();
  const auto is = [&](std::string_view option, const std::string& value) {
    return !arguments.has(option) || value == arguments.text(option);
  };
  Json left = Json::array();
  for (Json& row : *rows) {
    if (!is("--group", text_at(row, "group")) || !is("--model", text_at(row, "hardware"))) continue;
    if (*from && text_at(row, "version") != (*from)->text()) continue;
    left.push_back(std::move(row));
  }
  return left;
}

Result<Selection> selected_devices(Context& context) {
  const Arguments& arguments = context.arguments;
  Selection selection;
  selection.rows = Json::array();
  selection.ids = arguments.list("ID");
  bool named = !selection.ids.empty();
  if (arguments.has("--file")) {
    const auto read = read_ids(context, arguments.text("--file"));
    if (!read) return read.error();
    selection.ids.insert(selection.ids.end(), read->begin(), read->end());
    named = selection.counted = true;
  }
  if (!named && !has_filter(arguments)) {
    return usage_error("which devices? name them, or say " + filter_names() + " or --file");
  }
  std::set<std::string> known;
  std::erase_if(selection.ids, [&](const std::string& id) { return !known.insert(id).second; });
  if (has_filter(arguments)) {
    auto rows = filtered_devices(context);
    if (!rows) return rows.error();
    std::map<std::string, Json> left;
    for (Json& row : *rows)
      left.emplace(text_at(row, "id"), std::move(row));
    if (!named) {
      for (const auto& [id, row] : left)
        selection.ids.push_back(id);
    }
    std::erase_if(selection.ids, [&](const std::string& id) { return !left.contains(id); });
    for (const std::string& id : selection.ids)
      selection.rows.push_back(std::move(left.at(id)));
    selection.counted = true;
  }
  if (selection.ids.empty()) return fail(Errc::kNotFound, "no device is left by these words");
  return selection;
}

bool ends_early(Context& context, bool nobody_answers, std::size_t rest, std::string_view what) {
  if (!nobody_answers && !context.interrupted()) return false;
  std::string line = nobody_answers ? "the server does not answer: " : "interrupted: ";
  line.append(std::to_string(rest)).append(" ").append(what);
  context.out.line(line, Tone::kBad);
  return true;
}

Result<ExitCode> order_each(Context& context, const EachOrder& order) {
  const auto selection = selected_devices(context);
  if (!selection) return selection.error();
  const bool many = selection->ids.size() > 1 || selection->counted;
  if (!order.question.empty()) {
    if (many && !context.arguments.has("--yes")) list(context, *selection);
    if (const auto code = unless_confirmed(context, question_of(order, *selection))) return *code;
  }
  if (!many) {
    const std::string& id = selection->ids.front();
    const auto answer =
        context.api.post("/v1/devices/" + url_escape(id) + std::string(order.path), Json::object());
    if (!answer) return answer.error();
    context.out.document(Json{{order.member, id}});
    context.out.line(order.done(id), Tone::kGood);
    return ExitCode::kDone;
  }
  Json results = Json::array();
  std::size_t done = 0;
  bool nobody_answers = false;
  for (const std::string& id : selection->ids) {
    if (ends_early(context, nobody_answers, selection->ids.size() - results.size(),
                   "devices were not told"))
      break;
    const auto answer =
        context.api.post("/v1/devices/" + url_escape(id) + std::string(order.path), Json::object());
    Json result{{"device", id}, {"done", answer.has_value()}};
    if (answer) {
      ++done;
      context.out.line(order.done(id), Tone::kGood);
    } else {
      result["problem"] = answer.error().text();
      context.out.line("REFUSED: " + id + ": " + answer.error().text(), Tone::kBad);
      nobody_answers = answer.error().code == Errc::kUnavailable;
    }
    context.out.flush();
    results.push_back(std::move(result));
  }
  context.out.line(std::to_string(done) + " of " + std::to_string(selection->ids.size()) +
                   " devices");
  context.out.document(Json{{"results", std::move(results)}});
  return done == selection->ids.size() ? ExitCode::kDone : ExitCode::kError;
}

}  // namespace ota::cli
