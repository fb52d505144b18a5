// Bodies that no honest server sends, for whatever reads an answer or a file from outside.
#pragma once

#include <string>
#include <vector>

namespace ota::test {

inline std::vector<std::string> odd_bodies() {
  std::vector<std::string> bodies{
      "",
      " ",
      "null",
      "true",
      "5",
      "-1",
      "1e999",
      "18446744073709551616",
      "\"text\"",
      "[]",
      "{}",
      "{",
      "[[",
      "{\"a\"",
      "\xef\xbb\xbf{}",
      "\xff\xfe",
      std::string("\0{}", 3),
      "<html>",
      R"({"code":5})",
      R"({"code":null,"detail":[]})",
      R"({"code":{},"detail":{"a":1}})",
      R"({"code":"x","code":"y"})",
      R"({"detail":"\u009b31m\u202e"})",
      R"({"detail":"\ud800"})",
      R"({"commands":null})",
      R"({"commands":5})",
      R"({"commands":{"type":"cancel"}})",
      R"({"commands":[5]})",
      R"({"commands":[[]]})",
      R"({"commands":[null]})",
      R"({"commands":[{}]})",
      R"({"commands":[{"type":5}]})",
      R"({"commands":[{"type":"update"}]})",
      R"({"commands":[{"type":"update","job":5}]})",
      R"({"commands":[{"type":"update","job":"j","release":5}]})",
      R"({"commands":[{"type":"update","job":"j","release":{"version":[]}}]})",
      R"({"commands":[{"type":"update","job":"j","attempt":1e300,"release":{}}]})",
      R"({"commands":[{"type":"cancel","job":"j","sha256":5}]})",
      R"({"commands":[{"type":"rollback","from":5}]})",
      R"({"commands":[{"type":"rollback","from":"x","to":{},"word":[]}]})",
      R"({"certificate":5,"authority":5,"root":5})"};
  bodies.emplace_back(70000, 'a');
  bodies.emplace_back(20000, '[');
  bodies.push_back("{\"code\":\"" + std::string(60000, 'x') + "\"}");
  std::string deep;
  for (int i = 0; i < 5000; ++i)
    deep += "{\"a\":";
  bodies.push_back(deep);
  return bodies;
}

}  // namespace ota::test
