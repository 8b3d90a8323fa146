"""Adam and gradient descent as TensorFlow's fused kernels: one pass over the memory instead of a dozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tensorflow as tf

# Kingma and Ba 2014, https://arxiv.org/abs/1412.6980, section 2; epsilon as in Keras.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7


class Optimizer(Protocol):
    """Changes variables by their gradients; `state` is what it remembers between steps."""

    state: list[tf.Variable]

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Take one step, in a graph: `rate` and `step`, from 1, are float32 scalars."""


def choose(name: Literal["adam", "sgd"], variables: Sequence[tf.Variable], momentum: float = 0.0) -> Optimizer:
    """Make the optimizer of that name for float32 TensorFlow variables; `momentum` is that of gradient descent."""
    if name == "adam":
        return Adam(variables)
    return Momentum(variables, momentum) if momentum else GradientDescent(variables)


class Adam:
    """Adam, as Keras computes it (https://arxiv.org/abs/1412.6980, the variant at the end of section 2)."""

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        self._tf = tf
        self._variables = variables
        self._means = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self._squares = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
        self.state = [*self._means, *self._squares]

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Take one step, in a graph: `rate` and `step`, from 1, are float32 scalars."""
        for variable, mean, square, gradient in zip(
            self._variables, self._means, self._squares, gradients, strict=True
        ):
            self._tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=_BETA1**step,
                beta2_power=_BETA2**step,
                lr=rate,
                beta1=_BETA1,
                beta2=_BETA2,
                epsilon=_EPSILON,
                grad=gradient,
            )


class GradientDescent:
    """Stochastic gradient descent without momentum; it remembers nothing."""

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        import tensorflow as tf  # noqa: PLC0415 - as above

        self._tf = tf
        self._variables = variables
        self.state: list[tf.Variable] = []

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:  # noqa: ARG002 - as Adam's
        """Take one step, in a graph: `rate` is a float32 scalar."""
        for variable, gradient in zip(self._variables, gradients, strict=True):
            self._tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)


class Momentum:
    """Stochastic gradient descent with momentum, as Keras computes it: the velocity has the learning rate in it."""

    def __init__(self, variables: Sequence[tf.Variable], momentum: float) -> None:
        import tensorflow as tf  # noqa: PLC0415 - as above

        self._tf = tf
        self._variables = variables
        self._momentum = momentum
        self.state = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:  # noqa: ARG002 - as Adam's
        """Take one step, in a graph: `rate` is a float32 scalar."""
        for variable, velocity, gradient in zip(self._variables, self.state, gradients, strict=True):
            self._tf.raw_ops.ResourceApplyKerasMomentum(
                var=variable.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=self._momentum
            )
