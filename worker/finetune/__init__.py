"""Fine-tuning: a pretrained network, frozen in part, learns the classes of a person's own photographs."""
