// The JSON library's templates, instantiated once for all tests (json_instances.cpp) in place of
// once in each file: a sixth of their compile time.
#pragma once

#include "base/json_numbers.h"

#ifndef OTA_INSTANTIATE
#define OTA_INSTANTIATE extern template
#endif

OTA_INSTANTIATE class nlohmann::basic_json<>;
OTA_INSTANTIATE class nlohmann::detail::serializer<nlohmann::json>;
OTA_INSTANTIATE class nlohmann::detail::json_sax_dom_parser<nlohmann::json>;
OTA_INSTANTIATE class nlohmann::detail::json_sax_dom_callback_parser<nlohmann::json>;
OTA_INSTANTIATE class nlohmann::detail::lexer<
    nlohmann::json, nlohmann::detail::iterator_input_adapter<const char*>>;
OTA_INSTANTIATE class nlohmann::detail::parser<
    nlohmann::json, nlohmann::detail::iterator_input_adapter<const char*>>;
