// Moving: from view to view, from line to line, from device to device; and the marks on the way.
#include <algorithm>

#include "console/ui.h"

namespace ota::console {

int Ui::page() const {
  return std::max(1, size_.rows - 8);
}

void Ui::step_device(long step) {
  if (model_.rows.empty()) return;
  const auto count = static_cast<long>(model_.rows.size());
  const auto index = index_of_device(model_, state_.device);
  const long next = index ? (static_cast<long>(*index) + step % count + count) % count : 0;
  state_.device = model_.rows[static_cast<std::size_t>(next)]->id;
}

void Ui::move(long lines) {
  const ViewSpec& view = spec_of(state_.view);
  if (view.move != nullptr) view.move(stage(), lines);
  go_on_searching();
}

void Ui::mark() {
  if (state_.device.empty()) return;
  if (state_.marked.erase(state_.device) == 0) state_.marked.insert(state_.device);
  move(1);
}

void Ui::mark_all() {
  const bool any = !state_.marked.empty();
  state_.marked.clear();
  for (const fleet::DeviceRow* row : model_.rows) {
    if (!any) state_.marked.insert(row->id);
  }
}

}  // namespace ota::console
