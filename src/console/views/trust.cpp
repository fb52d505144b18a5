// Keys and trust: who may sign what, how long it holds, and what waits for signatures.
#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "console/export.h"
#include "console/views/table.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Align = TableColumn::Align;

enum Column : std::size_t { kRole, kSign, kVersion, kExpires, kLeft, kWhere };

bool is_online_role(const tuf::RoleStatus& role) {
  return role.role == "snapshot" || role.role == "timestamp";
}

// Offline roles need people, who need weeks; the server renews the others half a day before their
// end, so that less left than that is a fault already.
Style urgency(const tuf::RoleStatus& role, WallTime now) {
  using std::chrono::hours;
  const auto left = role.expires - now;
  const hours soon = is_online_role(role) ? hours(11) : hours(24 * 30);
  const hours late = is_online_role(role) ? hours(3) : hours(24 * 7);
  if (left <= late) return bold(Ink::kBad);
  if (left <= soon) return bold(Ink::kWarn);
  return {Ink::kGood};
}

std::string time_left(const tuf::RoleStatus& role, WallTime now) {
  if (role.expires <= now) return "EXPIRED";
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(role.expires - now).count();
  return hours >= 72 ? std::to_string(hours / 24) + " days" : std::to_string(hours) + " h";
}

int draw_roles(const Area& area, const Scene& scene) {
  const tuf::TrustPage& page = *scene.model.trust;
  area.rule(0, "Signing roles " + std::to_string(page.roles.size()));
  const Table table({{"ROLE", 12, 0, Align::kLeft, 14},
                     {"MUST SIGN", 9, 0},
                     {"VERSION", 7, 1, Align::kRight},
                     {"EXPIRES", 20, 2},
                     {"LEFT", 8, 0, Align::kRight},
                     {"KEYS", 12, 0, Align::kLeft, 30}},
                    2, area.columns());
  table.header(area, 1);
  const int room = area.rows() - 2;
  int y = 2;
  for (const tuf::RoleStatus& role : page.roles) {
    if (y - 2 >= room) break;
    const Style style = urgency(role, scene.model.now);
    table.cell(area, y, kRole, printable(role.role, 64), bold());
    table.cell(area, y, kSign, std::to_string(role.threshold) + " of " + std::to_string(role.keys));
    table.cell(area, y, kVersion, std::to_string(role.version), {Ink::kDim});
    table.cell(area, y, kExpires, day_and_time(role.expires), style);
    table.cell(area, y, kLeft, time_left(role, scene.model.now), style);
    const bool exposed = role.keys_online && !is_online_role(role);
    table.cell(area, y, kWhere, role.keys_online ? "on this server" : "offline",
               exposed ? bold(Ink::kWarn) : Style{Ink::kDim});
    ++y;
  }
  return y;
}

void draw_pending(const Area& area, const Scene& scene) {
  const tuf::TrustPage& page = *scene.model.trust;
  area.rule(0, "Waiting for signatures " + std::to_string(page.pending.size()),
            page.pending.empty() ? "" : "s signs");
  if (page.pending.empty()) {
    if (tuf::publishing_keys_online(page.roles)) {
      area.put(2, 1, "Whoever breaks into this server can publish. Take the keys away:",
               bold(Ink::kWarn));
      area.put(2, 2, "  otactl keys take-offline DIR     (a memory stick, say)");
    } else {
      area.put(2, 1, "nothing", {Ink::kDim});
    }
    return;
  }
  const std::size_t selected = pending_index(scene.model, scene.state);
  int y = 1;
  for (std::size_t i = 0; i < page.pending.size() && y < area.rows(); ++i) {
    const tuf::PendingRole& change = page.pending[i];
    if (i == selected) area.set(0, y, U'▸', bold(Ink::kAccent));
    area.put(2, y++,
             printable(change.role, 64) + " version " + std::to_string(change.version) + ": " +
                 std::to_string(change.signatures) + " of " + std::to_string(change.threshold) +
                 " signatures",
             i == selected ? bold(Ink::kWarn) : Style{Ink::kWarn});
    if (i != selected) continue;
    for (const std::string& line : change.words) {
      if (y >= area.rows()) break;
      area.put(4, y++, line, line.starts_with("keeps") ? Style{Ink::kDim} : Style{});
    }
  }
}

// Whole words where they fit; a digest that is wider than the screen is cut, never left out.
std::vector<std::string> wrapped(const std::vector<std::string>& lines, int columns) {
  constexpr std::string_view kIndent = "    ";
  const auto width = static_cast<std::size_t>(std::max(columns, 10));
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    std::string rest = printable(line, 2000);
    while (rest.size() > width && cells_of(rest) > columns) {
      std::size_t cut = rest.rfind(' ', width);
      const bool word = cut != std::string::npos && cut > kIndent.size();
      if (!word) cut = width;
      while (!word && (static_cast<unsigned char>(rest[cut]) & 0xC0U) == 0x80U)
        --cut;  // no character in halves
      out.push_back(rest.substr(0, cut));
      rest = std::string(kIndent) + rest.substr(cut + (word ? 1 : 0));
    }
    out.push_back(std::move(rest));
  }
  return out;
}

void draw_trust(const Area& area, const Scene& scene) {
  const tuf::TrustPage& page = *scene.model.trust;
  if (!page.problem.empty()) {
    area.rule(0, "Signing roles");
    area.put(2, 1, "what is published does not verify:", bold(Ink::kBad));
    area.put(2, 2, page.problem, bold(Ink::kBad));
    return;
  }
  const int least = page.pending.empty() ? 3 : 5;
  const int used = draw_roles(area.part(0, 0, area.columns(), area.rows() - least), scene);
  draw_pending(area.part(0, used, area.columns(), area.rows() - used), scene);
}

void draw_trust_line(const Area& row, const Scene& scene) {
  const std::size_t waiting = scene.model.trust->pending.size();
  int x = row.put(1, 0, "Keys and trust", bold()) + 2;
  x = row.put(x, 0,
              waiting == 0
                  ? "no change waits"
                  : std::to_string(waiting) + (waiting == 1 ? " change waits" : " changes wait") +
                        " for signatures",
              waiting == 0 ? Style{Ink::kDim} : bold(Ink::kWarn)) +
      2;
  warn_of_keys(row, x, scene);
}

void move_in_changes(const Stage& stage, long lines) {
  const auto& pending = stage.model.trust->pending;
  if (pending.empty()) return;
  const std::size_t index = pending_index(stage.model, stage.state);
  stage.state.pending = pending[moved_index(index, pending.size(), lines)].role;
}

constexpr std::array<Binding, 1> kKeys{{
    {Action::kSign, "s Enter", "sign", "read the selected change, then sign it...", "sign...",
     Access::kFull},
}};

}  // namespace

ViewSpec trust_view() {
  return {
      .id = View::kTrust,
      .title = "Keys and trust",
      .tab = {},
      .word = "keys",
      .show = Action::kShowTrust,
      .keys = kKeys,
      .draw = draw_trust,
      .context = draw_trust_line,
      .device = nullptr,
      .move = move_in_changes,
      .open = nullptr,
      .back = nullptr,
      .filter = nullptr,
      .copy = [](const Scene& scene) { return marked_line(scene, draw_trust); },
      .export_stem = [](const UiState&) { return std::string("trust"); },
      .export_suffix = "txt",
      .export_text = [](const Scene& scene) { return page_text(scene, draw_trust, kWholePage); }};
}

void draw_sign_flow(const Area& area, const Scene& scene) {
  const SignFlow& flow = *scene.state.sign;
  const Area inside = draw_box(area, std::min(area.columns(), 100), area.rows() - 1,
                               "Sign " + printable(flow.change().role, 64) + " version " +
                                   std::to_string(flow.change().version));
  if (inside.empty()) return;
  const std::vector<std::string> lines = wrapped(flow.change().words, inside.columns());
  const int visible = inside.rows() - 7;
  const int first =
      std::clamp(flow.scroll(), 0, std::max(0, static_cast<int>(lines.size()) - visible));
  inside.put(0, 0, "Your signature says that you want exactly this:", bold());
  for (int i = 0; i < visible && first + i < static_cast<int>(lines.size()); ++i)
    inside.put(0, i + 1, lines[to_index(first + i)]);
  const int below = static_cast<int>(lines.size()) - first - visible;
  if (below > 0)
    inside.put_right(inside.columns(), visible + 1, std::to_string(below) + " lines more ▼",
                     {Ink::kDim});
  const int y = inside.rows() - 3;
  inside.put(0, y - 2, "Key and passphrase pass through this server. Safer:", {Ink::kWarn});
  inside.put(0, y - 1, "otactl keys request, or a token with a PIN pad", {Ink::kWarn});
  using Step = SignFlow::Step;
  if (flow.step() != Step::kWords)
    inside.put(0, y, "key file    " + flow.key_file() + (flow.step() == Step::kKey ? "_" : ""),
               bold());
  if (flow.step() == Step::kPassphrase) {
    // Its length is nobody's business.
    inside.put(0, y + 1,
               std::string("passphrase  ") + (flow.passphrase_length() > 0 ? "***" : "") + "_",
               bold());
  }
  std::string below_words = "Enter goes on to the key  j k read  Esc leaves it";
  if (flow.step() == Step::kKey) below_words = "the encrypted key file of a signer; Enter goes on";
  if (flow.step() == Step::kPassphrase)
    below_words = "Enter signs; nothing: the key has none, or its token a PIN pad";
  if (flow.step() == Step::kSending) below_words = "Signing...";
  inside.put(0, inside.rows() - 1, flow.problem().empty() ? below_words : flow.problem(),
             flow.problem().empty() ? Style{Ink::kDim} : bold(Ink::kBad));
}

}  // namespace ota::console
