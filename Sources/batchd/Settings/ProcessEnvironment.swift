// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The only place of this program that reads the environment.
enum ProcessEnvironment {
    /// Every variable of the process.
    static var variables: [String: String] { ProcessInfo.processInfo.environment }
}
