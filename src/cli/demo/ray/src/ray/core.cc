// Where the work is handed out.
#include <string>

std::string NodeName(int number) { return "node-" + std::to_string(number); }
