// The table of the views, and the keys of each that follow from it.
#include <array>

#include "base/assert.h"
#include "base/text.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

bool offers(const ViewSpec& view, Needs needs) {
  switch (needs) {
    case Needs::kNothing:
      return true;
    case Needs::kLines:
      return view.move != nullptr;
    case Needs::kOpen:
      return view.open != nullptr;
    case Needs::kFilter:
      return view.filter != nullptr;
    case Needs::kDevice:
      return view.device != nullptr;
    case Needs::kDevices:
      return view.about != ViewSpec::About::kOther;
    case Needs::kStandstill:
      return view.standstill == ViewSpec::Standstill::kYes;
  }
  return false;
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// A shared binding is left out where the view has the action itself, or all of its keys.
std::vector<const Binding*> collect(const ViewSpec& view) {
  std::vector<std::string> own_keys;
  for (const Binding& binding : view.keys) {
    for (std::string& key : split(binding.keys, ' '))
      own_keys.push_back(std::move(key));
  }
  std::vector<const Binding*> found;
  const auto take_shared = [&](std::span<const Binding> shared) {
    for (const Binding& binding : shared) {
      const std::vector<std::string> keys = split(binding.keys, ' ');
      const bool own_action =
          std::any_of(view.keys.begin(), view.keys.end(),
                      [&](const Binding& own) { return own.action == binding.action; });
      const bool reachable = std::any_of(
          keys.begin(), keys.end(), [&](const std::string& key) { return !has(own_keys, key); });
      if (!own_action && reachable && offers(view, binding.needs)) found.push_back(&binding);
    }
  };
  take_shared(leading_bindings());
  for (const Binding& binding : view.keys)
    found.push_back(&binding);
  take_shared(trailing_bindings());
  return found;
}

}  // namespace

std::span<const ViewSpec> views() {
  static const std::array<ViewSpec, kViewCount> table{summary_view(), graphs_view(), log_view(),
                                                      updates_view(), agents_view(), device_view(),
                                                      trust_view()};
  return table;
}

const ViewSpec& spec_of(View view) {
  const ViewSpec& found = views()[static_cast<std::size_t>(view)];
  OTA_ASSERT(found.id == view);
  return found;
}

std::span<const Binding* const> bindings_of(View view) {
  static const auto table = [] {
    std::array<std::vector<const Binding*>, kViewCount> all;
    for (const ViewSpec& spec : views())
      all.at(static_cast<std::size_t>(spec.id)) = collect(spec);
    return all;
  }();
  return table.at(static_cast<std::size_t>(view));
}

void show(UiState& state, View view) {
  if (spec_of(view).tab.empty() && !spec_of(state.view).tab.empty()) state.before = state.view;
  state.view = view;
  state.scroll = 0;
  state.log.full_record = false;
}

}  // namespace ota::console
