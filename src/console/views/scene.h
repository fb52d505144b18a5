// What every view gets, and the words and looks that they share. Pure; thread: UI only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "console/canvas.h"
#include "console/graph.h"
#include "console/model.h"
#include "console/state.h"
#include "model/metric_limit.h"

namespace ota::console {

struct ViewOptions {
  Charset charset = Charset::kUnicode;
  GraphStyle graph = GraphStyle::kBraille;
  Access access = Access::kFull;
};

// From this width a view has room for a second panel beside its own.
inline constexpr int kWideColumns = 180;

// Below this there are no views and no dialogs, only what draw_small() says.
constexpr bool has_room(Size size) {
  return size.columns >= 60 && size.rows >= 16;
}

struct Scene {
  const Model& model;
  const UiState& state;
  ViewOptions options;
};

// The whole screen: a pure function of its arguments.
Canvas draw_screen(const Model& model, const UiState& state, Size size, const ViewOptions& options);

// The second row: trouble, else what the view says there (view_spec.h).
void draw_context(const Area& row, const Scene& scene);
// Parts of it: the device that a view is about; a count, where it is not 0 and fits; a warning of
// signing keys that lie on this server. The first two return where the next part begins.
int draw_device_line(const Area& row, const Scene& scene);
int put_count(const Area& row, int x, std::size_t count, std::string_view word, Style style);
void warn_of_keys(const Area& row, int x, const Scene& scene);
// Below 60x16: what matters in as many lines as there are.
void draw_small(const Area& area, const Scene& scene);

// Over the view, where the state says so.
void draw_help(const Area& area, const Scene& scene);
void draw_columns(const Area& area, const Scene& scene);
void draw_question(const Area& area, const Question& question);
void draw_update_flow(const Area& area, const Scene& scene);
void draw_sign_flow(const Area& area, const Scene& scene);

// -- shared parts --
// The device in the summary's side panel and in its own page: graphs of all metrics, stacked.
void draw_device_graphs(const Area& area, const Scene& scene, const Window& window);
// The stored readings of the device that memory no longer holds, oldest first.
std::vector<fleet::HistoryPoint> stored_points(const Scene& scene);
// One event in a row: time, level, source, kind, message.
void draw_event_row(const Area& area, int y, const model::Event& event);
void draw_event_header(const Area& area, int y);
// Words of `text` over as many rows as it takes; returns the row behind the last one.
int put_wrapped(const Area& area, int x, int y, std::string_view text, Style style = {});
// A bar of `cells` cells, `percent` of it filled.
void draw_bar(const Area& area, int x, int y, int cells, int percent, Style style);
// A frame with a title in the middle of `area`, its inside cleared; returns the inside.
Area draw_box(const Area& area, int columns, int rows, std::string_view title);

// -- words and looks --
Style style_of(fleet::DeviceState state);
Style style_of(model::Level level);
Style style_of(model::JobState state);
Style style_of(model::Severity severity);
Style style_of(model::CheckResult result);
Style style_of_answer(model::Answer answer);
std::string_view short_word(model::Severity severity);             // INFO NOTE WARN ERROR
std::string time_of_day(WallTime time);                            // "14:03:22Z"
std::string day_and_time(WallTime time);                           // "2026-08-20 14:03:22Z"
std::string version_of(const std::optional<model::Image>& image);  // "v2.1.4", "-"
std::string reading(const std::optional<float>& value, model::Metric metric);  // "97", "79.5", "-"
std::string_view heading_of(model::Metric metric);                             // "CPU %", "TEMP C"

// The first key of an action in this view; empty where it has none.
std::string key_of(const Scene& scene, Action action);

// Moves in the log, which holds it still; into its past where that is asked for.
void move_in_log(const Model& model, UiState& state, long lines);

// The row that is shown first so that `selected` is in view, near the middle.
int first_shown(std::size_t selected, std::size_t count, int rows);

}  // namespace ota::console
