import Testing

extension Tag {
    /// Compares with results of another implementation, such as TensorFlow or Pillow.
    @Tag package static var oracle: Self
    /// Runs the built program as a user would.
    @Tag package static var endToEnd: Self
    /// Takes more than five seconds on two cores.
    @Tag package static var slow: Self
}
