// SPDX-License-Identifier: Apache-2.0

/// Why the tests have no broker, or a queue does not do what the test asks for.
package struct BrokerTestingError: Error, CustomStringConvertible {
    /// What failed, with the output of the program that failed.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
