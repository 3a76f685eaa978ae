-- A shop's database: 20,000 customers, 2,000 products, 100,000 orders and 250,000 order lines.
-- Every value is computed from the row's number, so two seeds hold the same rows.
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;

CREATE TABLE customers (
	id INT UNSIGNED NOT NULL PRIMARY KEY,
	name VARCHAR(80) NOT NULL,
	email VARCHAR(120) NOT NULL UNIQUE,
	city VARCHAR(40) NOT NULL,
	created_at DATETIME NOT NULL
) ENGINE=InnoDB;
CREATE TABLE products (
	id INT UNSIGNED NOT NULL PRIMARY KEY,
	sku CHAR(10) NOT NULL UNIQUE,
	name VARCHAR(80) NOT NULL,
	price_cents INT UNSIGNED NOT NULL
) ENGINE=InnoDB;
CREATE TABLE orders (
	id INT UNSIGNED NOT NULL PRIMARY KEY,
	customer_id INT UNSIGNED NOT NULL,
	status ENUM('new', 'paid', 'sent', 'returned') NOT NULL,
	ordered_at DATETIME NOT NULL,
	KEY (customer_id)
) ENGINE=InnoDB;
CREATE TABLE order_lines (
	order_id INT UNSIGNED NOT NULL,
	line TINYINT UNSIGNED NOT NULL,
	product_id INT UNSIGNED NOT NULL,
	quantity TINYINT UNSIGNED NOT NULL,
	PRIMARY KEY (order_id, line)
) ENGINE=InnoDB;

SET unique_checks = 0, foreign_key_checks = 0;
START TRANSACTION;
INSERT INTO customers
SELECT seq,
	CONCAT(ELT(1 + seq % 8, 'Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Ken', 'Radia'),
		' ', ELT(1 + seq DIV 8 % 8, 'Sato', 'Suzuki', 'Tanaka', 'Kato', 'Ito', 'Mori', 'Abe', 'Ono'),
		' ', seq),
	CONCAT('customer', seq, '@example.com'),
	ELT(1 + seq * 7 % 6, 'Tokyo', 'Osaka', 'Nagoya', 'Sapporo', 'Fukuoka', 'Sendai'),
	TIMESTAMPADD(MINUTE, seq * 17, '2020-01-01 00:00:00')
FROM seq_1_to_20000;
INSERT INTO products
SELECT seq, CONCAT('SKU', LPAD(seq, 7, '0')), CONCAT('Product ', seq), 100 + seq * 7919 % 9900
FROM seq_1_to_2000;
INSERT INTO orders
SELECT seq, 1 + seq * 7919 % 20000, 1 + seq % 4, TIMESTAMPADD(MINUTE, seq * 11, '2022-01-01 00:00:00')
FROM seq_1_to_100000;
INSERT INTO order_lines
SELECT o.seq, l.seq, 1 + (o.seq * 31 + l.seq * 101) % 2000, 1 + (o.seq + l.seq) % 5
FROM seq_1_to_100000 o JOIN seq_1_to_4 l ON l.seq <= 1 + o.seq % 4;
COMMIT;

-- Who uses it: the application, the replica, and the analysts' reader.
CREATE USER 'root'@'%' IDENTIFIED BY 'root';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
CREATE USER 'shop'@'%' IDENTIFIED BY 'shop';
GRANT ALL ON shop.* TO 'shop'@'%';
CREATE USER 'replication'@'%' IDENTIFIED BY 'replication';
GRANT REPLICATION SLAVE ON *.* TO 'replication'@'%';
CREATE USER 'reader'@'%' IDENTIFIED BY 'reader';
GRANT SELECT ON shop.* TO 'reader'@'%';
GRANT SLAVE MONITOR ON *.* TO 'reader'@'%';
