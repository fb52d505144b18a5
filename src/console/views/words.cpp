#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/views/scene.h"

namespace ota::console {
namespace {

// A narrow screen has room for the kind of an event or for its words; the words matter more.
constexpr int kKindFrom = 90;

int kind_cells(const Area& area) {
  return area.columns() >= 110 ? 18 : 16;
}

}  // namespace

Style style_of(fleet::DeviceState state) {
  using State = fleet::DeviceState;
  switch (state) {
    case State::kFailed:
    case State::kBlocked:
      return bold(Ink::kBad);
    case State::kRollback:
      return bold(Ink::kWarn);
    case State::kUpdating:
      return bold(Ink::kBusy);
    case State::kOffline:
    case State::kUnknown:
      return {Ink::kDim};
    case State::kOnline:
      return {Ink::kGood};
  }
  return {};
}

Style style_of(model::Level level) {
  switch (level) {
    case model::Level::kStable:
      return {Ink::kGood};
    case model::Level::kWatch:
      return bold(Ink::kWarn);
    case model::Level::kCritical:
      return bold(Ink::kBad);
    case model::Level::kUnknown:
      return {Ink::kDim};
  }
  return {};
}

Style style_of(model::JobState state) {
  if (!is_final(state)) return bold(Ink::kBusy);
  switch (state) {
    case model::JobState::kSucceeded:
      return {Ink::kGood};
    case model::JobState::kFailed:
      return bold(Ink::kBad);
    case model::JobState::kRolledBack:
      return bold(Ink::kWarn);
    default:
      return {Ink::kDim};
  }
}

Style style_of(model::Severity severity) {
  switch (severity) {
    case model::Severity::kError:
      return bold(Ink::kBad);
    case model::Severity::kWarning:
      return bold(Ink::kWarn);
    case model::Severity::kNotice:
      return {Ink::kTitle};
    case model::Severity::kInfo:
      return {};
  }
  return {};
}

Style style_of(model::CheckResult result) {
  switch (result) {
    case model::CheckResult::kPass:
      return {Ink::kGood};
    case model::CheckResult::kBlock:
      return bold(Ink::kBad);
    case model::CheckResult::kWarn:
    case model::CheckResult::kOverridden:
      return bold(Ink::kWarn);
    case model::CheckResult::kSkip:
      return {Ink::kDim};
  }
  return {};
}

Style style_of_answer(model::Answer answer) {
  switch (answer) {
    case model::Answer::kAllow:
      return bold(Ink::kGood);
    case model::Answer::kBlock:
      return bold(Ink::kBad);
    case model::Answer::kSkip:
      return bold(Ink::kWarn);
  }
  return {};
}

std::string_view short_word(model::Severity severity) {
  constexpr std::array<std::string_view, 4> kWords{"INFO", "NOTE", "WARN", "ERROR"};
  return kWords.at(static_cast<std::size_t>(severity));
}

std::string time_of_day(WallTime time) {
  if (time.time_since_epoch().count() == 0) return "-";
  return format_rfc3339(time, Fraction::kNone).substr(11);
}

std::string day_and_time(WallTime time) {
  if (time.time_since_epoch().count() == 0) return "-";
  std::string text = format_rfc3339(time, Fraction::kNone);
  text[10] = ' ';
  return text;
}

std::string version_of(const std::optional<model::Image>& image) {
  return image ? image->version.label() : "-";
}

std::string reading(const std::optional<float>& value, model::Metric metric) {
  if (!value) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), metric == model::Metric::kTemp ? "%.1f" : "%.0f",
                static_cast<double>(*value));
  return text.data();
}

std::string_view heading_of(model::Metric metric) {
  constexpr std::array<std::string_view, model::kMetricCount> kHeadings{"CPU %", "MEM %", "DISK %",
                                                                        "TEMP C"};
  return kHeadings.at(static_cast<std::size_t>(metric));
}

int first_shown(std::size_t selected, std::size_t count, int rows) {
  const int total = static_cast<int>(count);
  return std::clamp(static_cast<int>(selected) - rows / 2, 0, std::max(0, total - rows));
}

void draw_bar(const Area& area, int x, int y, int cells, int percent, Style style) {
  const int filled = std::clamp(percent, 0, 100) * cells / 100;
  for (int i = 0; i < cells; ++i) {
    area.set(x + i, y, i < filled ? U'█' : U'░', i < filled ? style : Style{Ink::kDim});
  }
}

Area draw_box(const Area& area, int columns, int rows, std::string_view title) {
  columns = std::min(columns, area.columns());
  rows = std::min(rows, area.rows());
  const Area box =
      area.part((area.columns() - columns) / 2, (area.rows() - rows) / 2, columns, rows);
  box.clear();
  const Style frame{Ink::kTitle};
  for (int x = 1; x + 1 < columns; ++x) {
    box.set(x, 0, U'─', frame);
    box.set(x, rows - 1, U'─', frame);
  }
  for (int y = 1; y + 1 < rows; ++y) {
    box.set(0, y, U'│', frame);
    box.set(columns - 1, y, U'│', frame);
  }
  box.set(0, 0, U'┌', frame), box.set(columns - 1, 0, U'┐', frame);
  box.set(0, rows - 1, U'└', frame), box.set(columns - 1, rows - 1, U'┘', frame);
  box.put(2, 0, " " + std::string(title) + " ", bold(Ink::kTitle), columns - 4);
  return box.part(2, 1, columns - 4, rows - 2);
}

void draw_event_header(const Area& area, int y) {
  area.put(1, y, "TIME", {Ink::kDim});
  area.put(11, y, "LEVEL", {Ink::kDim});
  area.put(17, y, "SOURCE", {Ink::kDim});
  if (area.columns() >= kKindFrom) {
    area.put(28, y, "EVENT", {Ink::kDim});
    area.put(29 + kind_cells(area), y, "MESSAGE", {Ink::kDim});
  } else {
    area.put(28, y, "MESSAGE", {Ink::kDim});
  }
}

void draw_event_row(const Area& area, int y, const model::Event& event) {
  const Style style = style_of(event.severity);
  area.put(1, y, time_of_day(event.at), {Ink::kDim});
  area.put(11, y, short_word(event.severity), style, 5);
  area.put(17, y, event.source.empty() ? "-" : event.source, {}, 10);
  if (area.columns() >= kKindFrom) {
    area.put(28, y, event.kind, {Ink::kDim}, kind_cells(area));
    area.put(29 + kind_cells(area), y, event.message,
             event.severity >= model::Severity::kWarning ? style : Style{});
  } else {
    area.put(28, y, event.message, event.severity >= model::Severity::kWarning ? style : Style{});
  }
}

int put_wrapped(const Area& area, int x, int y, std::string_view text, Style style) {
  const int room = std::max(8, area.columns() - x - 1);
  std::string line;
  const auto flush = [&] {
    area.put(x, y++, line, style);
    line.clear();
  };
  while (!text.empty()) {
    std::size_t end = text.find(' ');
    std::string word(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && cells_of(line) + 1 + cells_of(word) > room) flush();
    while (cells_of(word) > room) {  // a digest, or what an attacker sends: cut hard
      std::size_t bytes = 0;
      for (int cells = 0; cells < room - 1;) {
        const Glyph glyph = first_glyph(std::string_view(word).substr(bytes));
        bytes += glyph.bytes;
        cells += std::max(1, glyph.cells);
      }
      line = word.substr(0, bytes);
      word.erase(0, bytes);
      flush();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) flush();
  return y;
}

std::string key_of(const Scene& scene, Action action) {
  for (const Binding* binding : bindings_of(scene.state.view)) {
    if (binding->action != action) continue;
    const auto keys = scene.state.keymap.keys_of(*binding, scene.state.view);
    if (!keys.empty()) return keys.front();
  }
  return {};
}

}  // namespace ota::console
