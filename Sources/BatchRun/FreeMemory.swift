// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Memory that was freed and that the C library keeps for later.
enum FreeMemory {
    /// Gives it back to the system, where the C library can (glibc's `malloc_trim`, which Swift does not import).
    static func giveBack() {
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)(0)
    }
}
