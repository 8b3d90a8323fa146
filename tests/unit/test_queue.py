import pytest

from jobs.queue import FINETUNE, MNIST_TRAIN, TASKS, broker_url, celery_app


@pytest.mark.parametrize(
    ("redis_url", "expected"),
    [
        ("redis://localhost", "redis://localhost/0"),
        ("redis://:p%40ss@host:7000/3", "redis://:p%40ss@host:7000/3"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://host?db=2", "redis://host/2"),
        ("rediss://u:p@host:6380/0", "rediss://u:p@host:6380/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:secret@/run/redis.sock?db=4", "redis+socket://:secret@/run/redis.sock?virtual_host=4"),
    ],
)
def test_broker_is_the_same_database(redis_url: str, expected: str) -> None:
    """The broker is in the jobs' database, however the URL is written."""
    assert broker_url(redis_url) == expected


@pytest.mark.parametrize("url", ["amqp://host", "host:6379", "redis://host/jobs"])
def test_not_a_redis(url: str) -> None:
    """What is no URL of a Redis is refused before anything connects."""
    with pytest.raises(ValueError, match=r"redis://|invalid literal"):
        broker_url(url)


def test_what_celery_is_told() -> None:
    """A worker trains one job at a time in a process of its own, and holds no message that it does not work on."""
    conf = celery_app("redis://localhost").conf
    assert (conf.worker_pool, conf.worker_concurrency, conf.worker_pool_start_method) == ("prefork", 1, "spawn")
    assert (conf.worker_max_tasks_per_child, conf.worker_prefetch_multiplier) == (1, 1)
    assert conf.worker_proc_alive_timeout == 60
    assert (conf.task_acks_late, conf.task_ignore_result, conf.result_backend) == (True, True, None)
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
    assert (conf.broker_connection_max_retries, conf.broker_pool_acquire_timeout) == (None, 2)
    options = conf.broker_transport_options
    assert (options["socket_timeout"], options["socket_connect_timeout"], options["health_check_interval"]) == (
        5,
        3,
        10,
    )


def test_nothing_is_delivered_again_while_it_may_run() -> None:
    """A message is not delivered again before its job's hard limit is over."""
    conf = celery_app("redis://localhost", hard_limit_seconds=100).conf
    assert conf.task_time_limit == 100
    assert conf.broker_transport_options["visibility_timeout"] > 100


def test_each_kind_has_its_task() -> None:
    """The names of the tasks, by which API and worker know them, are these."""
    assert TASKS == {MNIST_TRAIN: "bestguess.mnist_train", FINETUNE: "bestguess.finetune"}
