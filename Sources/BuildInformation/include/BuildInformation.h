#pragma once

/// Returns the commit that the program was built from, or an empty string where the build was not told:
/// Package.swift takes it from the environment variable CARTOONCTL_COMMIT.
const char *cartoonctl_commit(void);
