#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <map>
#include <memory>

#include "base/nearest_word.h"
#include "base/program_version.h"
#include "base/text.h"

namespace ota::cli {
namespace {

constexpr std::string_view kProgram = "otactl";

std::string text(std::string_view view) {
  return std::string(view);
}

// One command of the table as CLI11 sees it, with the places that it writes to.
struct Entry {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::string> singles;
  std::map<std::string, bool> switches;
};

std::string footer_of(const Command& command) {
  std::string out;
  if (!command.details.empty()) out += text(command.details) + "\n\n";
  out += "Examples:\n";
  for (const Example& example : command.examples) {
    out += "  " + text(example.line) + "\n      " + text(example.what) + "\n";
  }
  out.pop_back();
  return out;
}

void add_positional(Entry& entry, const Positional& positional) {
  const std::string name = text(positional.name);
  const std::string help = text(positional.help);
  using Count = Positional::Count;
  const bool one = positional.count == Count::kOne || positional.count == Count::kOptional;
  auto* option = one ? entry.app->add_option(name, entry.singles[name], help)
                     : entry.app->add_option(name, entry.values[name], help);
  option->type_name("");
  if (positional.count == Count::kOne || positional.count == Count::kSome) option->required();
}

void add_option(Entry& entry, const Option& spec) {
  const std::string name = text(spec.name);
  if (spec.value.empty()) {
    entry.app->add_flag(name, entry.switches[name], text(spec.help));
    return;
  }
  auto* option = entry.app->add_option(name, entry.values[name], text(spec.help));
  option->type_name(text(spec.value))->expected(1);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (!spec.choices.empty()) {
    std::vector<std::string> choices(spec.choices.begin(), spec.choices.end());
    option->check(CLI::IsMember(choices));
  }
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option("--root", globals.root,
                 "the folder that holds config/, firmware/ and state/ (or OTA_ROOT)")
      ->type_name("DIR")
      ->group("Everywhere");
  app.add_option("--server", globals.server,
                 "the server to talk to (or OTA_SERVER); else the port of config/console.json here")
      ->type_name("URL")
      ->group("Everywhere");
  app.add_flag("--json", globals.json, "answer in JSON, for programs")->group("Everywhere");
}

// The app of a group ("firmware"), made when its first command needs it.
CLI::App* parent_of(const Command& command, CLI::App& top, std::map<std::string, CLI::App*>& groups,
                    Globals& globals, std::string& leaf) {
  const std::size_t blank = command.name.find(' ');
  if (blank == std::string_view::npos) {
    leaf = text(command.name);
    return &top;
  }
  leaf = text(command.name.substr(blank + 1));
  const std::string group = text(command.name.substr(0, blank));
  CLI::App*& app = groups[group];
  if (app == nullptr) {
    app = top.add_subcommand(group, text(group_summary(group)));
    app->require_subcommand(1);
    add_globals(*app, globals);
  }
  return app;
}

Invocation answer(std::string words, ExitCode code, Globals globals) {
  Invocation out;
  out.text = std::move(words);
  if (!out.text.empty() && out.text.back() != '\n') out.text += '\n';
  out.code = code;
  out.globals = std::move(globals);
  return out;
}

// The app that the user was in when the parse ended: its help is the one that helps.
const CLI::App* deepest(const CLI::App& top) {
  const CLI::App* app = &top;
  while (!app->get_subcommands().empty())
    app = app->get_subcommands().front();
  return app;
}

std::string command_path(const CLI::App& top) {
  std::string path = text(kProgram);
  const CLI::App* app = &top;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path += " " + app->get_name();
  }
  return path;
}

std::string no_such_command(const CLI::App& group, const std::string& path,
                            const std::string& word) {
  std::vector<std::string_view> names;
  for (const CLI::App* app : group.get_subcommands({}))
    names.push_back(app->get_name());
  const std::string near(nearest_word(word, names));
  return "there is no command \"" + path + printable(word, 40) + "\"" +
         (near.empty() ? "" : "; did you mean \"" + near + "\"?");
}

// CLI11 says of a mistyped command only that one is required.
std::string complaint(const CLI::App& top, const CLI::Error& error) {
  const CLI::App& group = *deepest(top);
  const std::vector<std::string> left = group.remaining();
  if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError) || left.empty() ||
      group.get_subcommands({}).empty()) {
    return error.what();
  }
  const std::string path = command_path(top).substr(kProgram.size());
  return no_such_command(group, path.empty() ? "" : path.substr(1) + " ", left.front());
}

Result<void> check_kind(const Arguments& arguments, std::string_view name, Kind kind) {
  const auto verdict = [](const auto& parsed) {
    return parsed ? Result<void>() : Result<void>(parsed.error());
  };
  switch (kind) {
    case Kind::kText:
      return {};
    case Kind::kVersion:
      return verdict(arguments.version(name));
    case Kind::kDuration:
      return verdict(arguments.duration(name));
    case Kind::kNumber:
      return verdict(arguments.number(name));
  }
  return {};
}

// The line as a whole: what CLI11 does not know of it.
Result<void> check(const Command& command, const Arguments& arguments) {
  for (const Positional& positional : command.positionals) {
    for (const std::string& value : arguments.list(positional.name)) {
      if (value.empty()) return usage_error(text(positional.name) + " is an empty text");
    }
    if (auto good = check_kind(arguments, positional.name, positional.kind); !good) return good;
  }
  for (const Option& option : command.options) {
    if (option.need == Option::Need::kRequired && arguments.text(option.name).empty()) {
      return usage_error(text(option.name) + " " + text(option.value) +
                         " is missing: " + text(option.help));
    }
    if (!arguments.has(option.name)) continue;
    if (auto good = check_kind(arguments, option.name, option.kind); !good) return good;
    for (const std::string_view other : option.excludes) {
      if (arguments.has(other)) {
        return usage_error(text(option.name) + " and " + text(other) + " contradict each other");
      }
    }
  }
  return {};
}

// What CLI11 is to put in front of the name of the app whose help it prints.
std::string parent_path(const CLI::App& top) {
  const std::string path = command_path(top);
  const std::size_t blank = path.rfind(' ');
  return blank == std::string::npos ? std::string() : path.substr(0, blank);
}

// The words "help" and "version" are asked for as the options are.
std::vector<std::string> as_options(std::span<const std::string> words) {
  std::vector<std::string> out(words.begin(), words.end());
  if (out.empty()) return out;
  if (out.front() == "help") {
    out.erase(out.begin());
    out.emplace_back("--help");
  } else if (out.front() == "version" && out.size() == 1) {
    out.front() = "--version";
  }
  return out;
}

}  // namespace

Invocation parse(std::span<const std::string> words, const Environment& environment,
                 std::span<const Command> table) {
  Globals globals;
  globals.root = environment.root.value_or(".");
  globals.server = environment.server.value_or("");

  CLI::App top("Admin tool of Secure OTA: devices, updates, firmware, audit.", text(kProgram));
  top.set_version_flag("--version", text(kProgram) + " " + text(kProgramVersion),
                       "this program's version");
  top.require_subcommand(1);
  top.footer(
      "Exit codes: 0 done, 1 error, 2 usage, 3 blocked, 4 skipped, 5 job failed or rolled back.\n"
      "Help of one command, with examples: otactl COMMAND --help");
  add_globals(top, globals);

  std::deque<Entry> entries;
  std::map<std::string, CLI::App*> groups;
  for (const Command& command : table) {
    std::string leaf;
    CLI::App* parent = parent_of(command, top, groups, globals, leaf);
    Entry& entry = entries.emplace_back();
    entry.command = &command;
    entry.app = parent->add_subcommand(leaf, text(command.summary));
    entry.app->footer(footer_of(command));
    add_globals(*entry.app, globals);
    for (const Positional& positional : command.positionals)
      add_positional(entry, positional);
    for (const Option& option : command.options)
      add_option(entry, option);
  }

  if (words.empty()) return answer(top.help(), ExitCode::kDone, globals);
  try {
    std::vector<std::string> asked = as_options(words);
    std::reverse(asked.begin(), asked.end());
    top.parse(std::move(asked));
  } catch (const CLI::CallForVersion&) {
    return answer(top.version(), ExitCode::kDone, globals);
  } catch (const CLI::Success&) {
    if (words.size() > 1 && words.front() == "help" && deepest(top) == &top) {
      return answer(text(kProgram) + ": " + no_such_command(top, "", words[1]) +
                        "\nTry: " + text(kProgram) + " help",
                    ExitCode::kUsage, globals);
    }
    return answer(deepest(top)->help(parent_path(top)), ExitCode::kDone, globals);
  } catch (const CLI::Error& error) {
    return answer(
        text(kProgram) + ": " + complaint(top, error) + "\nTry: " + command_path(top) + " --help",
        ExitCode::kUsage, globals);
  }

  for (Entry& entry : entries) {
    if (!entry.app->parsed()) continue;
    Invocation out;
    out.command = entry.command;
    for (auto& [name, values] : entry.values) {
      if (!values.empty()) out.arguments.set(name, std::move(values));
    }
    for (auto& [name, value] : entry.singles) {
      if (entry.app->count(name) > 0) out.arguments.set(name, {std::move(value)});
    }
    for (const auto& [name, given] : entry.switches) {
      if (given) out.arguments.set(name, {});
    }
    out.globals = std::move(globals);
    if (const auto good = check(*out.command, out.arguments); !good) {
      return answer(
          text(kProgram) + ": " + good.error().text() + "\nTry: " + command_path(top) + " --help",
          ExitCode::kUsage, out.globals);
    }
    return out;
  }
  return answer(top.help(), ExitCode::kUsage, globals);
}

}  // namespace ota::cli
